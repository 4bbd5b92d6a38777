package gameflow.peers;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** A stretch of work, measured from its construction to end(), which prints it for run.sh. */
public final class Step {
    private final double cpu = cpuSeconds();
    private final long wall = System.nanoTime();

    /** "step EVENTS CPU_SECONDS WALL_SECONDS" */
    public void end(long events) {
        System.out.printf("step %d %.3f %.3f%n", events, cpuSeconds() - cpu, (System.nanoTime() - wall) / 1e9);
    }

    /** Of this whole process: compiler and garbage collection too. */
    private static double cpuSeconds() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
    }
}
