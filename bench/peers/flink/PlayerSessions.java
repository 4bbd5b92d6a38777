package gameflow.peers.flink;

import com.fasterxml.jackson.databind.ObjectReader;
import gameflow.peers.PlayerEvent;
import gameflow.peers.Results;
import gameflow.peers.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.windowing.ProcessAllWindowFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * The flagship's player-session-analytics on Flink: events of a file, a count per user in 5 s of event time with 2 s
 * of grace, and for each window a sorted list. Parallelism 1, state on the heap, an exactly-once checkpoint every 5 s.
 * Runs several times in one JVM, a step each: the first are the warm-up.
 *
 * <p>EVENTS_FILE RESULTS_FILE CHECKPOINT_FOLDER RUNS
 */
public final class PlayerSessions {
    private static final Duration WINDOW = Duration.ofSeconds(5), GRACE = Duration.ofSeconds(2);

    /** A line to (user, ms of event time). */
    public static final class Parse extends RichMapFunction<String, Tuple2<String, Long>> {
        private transient ObjectReader reader;

        @Override
        public void open(OpenContext context) {
            reader = PlayerEvent.reader();
        }

        @Override
        public Tuple2<String, Long> map(String line) throws Exception {
            PlayerEvent event = reader.readValue(line);
            return Tuple2.of(event.user_data.user_id, event.time());
        }
    }

    public static final class Count implements AggregateFunction<Tuple2<String, Long>, Long, Long> {
        @Override
        public Long createAccumulator() {
            return 0L;
        }

        @Override
        public Long add(Tuple2<String, Long> event, Long count) {
            return count + 1;
        }

        @Override
        public Long getResult(Long count) {
            return count;
        }

        @Override
        public Long merge(Long a, Long b) {
            return a + b;
        }
    }

    /** A user's count to (user, count). */
    public static final class WithKey extends ProcessWindowFunction<Long, Tuple2<String, Long>, String, TimeWindow> {
        @Override
        public void process(String user, Context context, Iterable<Long> counts, Collector<Tuple2<String, Long>> out) {
            out.collect(Tuple2.of(user, counts.iterator().next()));
        }
    }

    /** All users of a window to its list. */
    public static final class SortedList extends ProcessAllWindowFunction<Tuple2<String, Long>, byte[], TimeWindow> {
        @Override
        public void process(Context context, Iterable<Tuple2<String, Long>> counts, Collector<byte[]> out) {
            List<Results.Row> rows = new ArrayList<>();
            for (Tuple2<String, Long> count : counts) rows.add(new Results.Row(count.f0, count.f1));
            out.collect(Results.add(rows));
        }
    }

    private PlayerSessions() {}

    private static Configuration config(String checkpoints) {
        Configuration config = new Configuration();
        config.setString("state.backend.type", "hashmap");
        config.setString("execution.checkpointing.interval", "5 s");
        config.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
        config.setString("execution.checkpointing.storage", "filesystem");
        config.setString("execution.checkpointing.dir", "file://" + checkpoints);
        config.setString("taskmanager.memory.network.min", "64mb");
        config.setString("taskmanager.memory.network.max", "64mb");
        config.setString("taskmanager.memory.managed.size", "256mb");
        config.setString("rest.bind-port", "0");
        return config;
    }

    private static StreamExecutionEnvironment job(String events, String checkpoints) {
        StreamExecutionEnvironment job = StreamExecutionEnvironment.createLocalEnvironment(1, config(checkpoints));
        job.getConfig().enableObjectReuse();
        FileSource<String> source =
                FileSource.forRecordStreamFormat(new TextLineInputFormat(), new Path(events)).build();
        job.fromSource(source, WatermarkStrategy.noWatermarks(), "events")
                .map(new Parse())
                .returns(Types.TUPLE(Types.STRING, Types.LONG))
                .assignTimestampsAndWatermarks(
                        WatermarkStrategy.<Tuple2<String, Long>>forBoundedOutOfOrderness(GRACE)
                                .withTimestampAssigner((event, time) -> event.f1))
                .keyBy(event -> event.f0)
                .window(TumblingEventTimeWindows.of(WINDOW))
                .aggregate(new Count(), new WithKey())
                .returns(Types.TUPLE(Types.STRING, Types.LONG))
                .windowAll(TumblingEventTimeWindows.of(WINDOW))
                .process(new SortedList())
                .sinkTo(new DiscardingSink<>());
        return job;
    }

    public static void main(String[] args) throws Exception {
        for (int run = 0; run < Integer.parseInt(args[3]); run++) {
            StreamExecutionEnvironment job = job(args[0], args[2]);
            Results.open(args[1]);
            Step step = new Step();
            job.execute("player-session-analytics");
            step.end(Results.events());
        }
        Results.close();
    }
}
