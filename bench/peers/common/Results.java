package gameflow.peers;

import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a run has to show: the list of each window, a line each, in a file that must be the same for all peers.
 *
 * <p>Threads: add() is called by one at a time; events() by any.
 */
public final class Results {
    public record Row(String player, long count) {}

    private static OutputStream file;
    private static volatile long events;

    private Results() {}

    /** Begins a file anew. */
    public static void open(String name) throws IOException {
        close();
        file = new BufferedOutputStream(new FileOutputStream(name), 1 << 20);
        events = 0;
    }

    public static void close() throws IOException {
        if (file != null) file.close();
        file = null;
    }

    /** One window's rows as gameflow's flush writes them: by count from the top, then by player. Returns the JSON. */
    public static byte[] add(List<Row> rows) {
        rows.sort((a, b) -> a.count != b.count ? Long.compare(b.count, a.count) : a.player.compareTo(b.player));
        StringBuilder json = new StringBuilder(rows.size() * 48).append('[');
        long sum = 0;
        for (Row row : rows) {
            if (json.length() > 1) json.append(',');
            json.append("{\"player_id\":\"").append(row.player).append("\",\"event_count\":").append(row.count).append('}');
            sum += row.count;
        }
        byte[] bytes = json.append(']').toString().getBytes(StandardCharsets.UTF_8);
        try {
            file.write(bytes);
            file.write('\n');
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        events += sum;
        return bytes;
    }

    /** Events in the windows that were added. */
    public static long events() {
        return events;
    }
}
