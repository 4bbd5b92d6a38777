package gameflow.peers.streams;

import com.fasterxml.jackson.databind.ObjectReader;
import gameflow.peers.PlayerEvent;
import gameflow.peers.Results;
import gameflow.peers.Step;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The flagship's player-session-analytics on Kafka Streams: a topic of events keyed by player, a count per user in 5 s
 * of event time with 2 s of grace, and for each window a sorted list in a topic. One thread, exactly once, the state in
 * memory with a changelog. Were the topic not keyed by player, a repartition topic would come on top.
 *
 * <p>BROKERS IN OUT EVENTS RESULTS_FILE STATE_FOLDER; a step each STEP_EVENTS: the first are the warm-up.
 */
public final class PlayerSessions {
    private static final long WINDOW_MS = 5_000, GRACE_MS = 2_000, STEP_EVENTS = 500_000;
    private static final String STORE = "events-per-user";

    static final class Counter implements Processor<String, PlayerEvent, String, byte[]> {
        private final long expected;
        private ProcessorContext<String, byte[]> context;
        private WindowStore<String, Long> store;
        private long events;
        private long open = -1; // start of the oldest window that has not closed; -1 before the first event
        private Step step;

        Counter(long expected) {
            this.expected = expected;
        }

        @Override
        public void init(ProcessorContext<String, byte[]> context) {
            this.context = context;
            store = context.getStateStore(STORE);
            context.schedule(Duration.ofMillis(500), PunctuationType.STREAM_TIME, this::closeUntil);
        }

        @Override
        public void process(Record<String, PlayerEvent> record) {
            if (step == null) step = new Step();
            long start = record.timestamp() - record.timestamp() % WINDOW_MS;
            if (open < 0) open = start;
            if (start >= open) {
                String user = record.value().user_data.user_id;
                Long count = store.fetch(user, start);
                store.put(user, count == null ? 1L : count + 1, start);
            }
            if (++events % STEP_EVENTS == 0) {
                step.end(STEP_EVENTS);
                step = new Step();
            }
            if (events == expected) closeUntil(start + 2 * WINDOW_MS); // no more input comes
        }

        private void closeUntil(long now) {
            for (; open >= 0 && open + WINDOW_MS + GRACE_MS <= now; open += WINDOW_MS) {
                List<Results.Row> rows = new ArrayList<>();
                try (KeyValueIterator<Windowed<String>, Long> counts = store.fetchAll(open, open)) {
                    while (counts.hasNext()) {
                        var count = counts.next();
                        rows.add(new Results.Row(count.key.key(), count.value));
                    }
                }
                if (rows.isEmpty()) continue;
                context.forward(new Record<>(Long.toString(open), Results.add(rows), open + WINDOW_MS));
            }
        }
    }

    private PlayerSessions() {}

    private static Properties config(String brokers, String stateFolder) {
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, "player-session-analytics");
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        config.put(StreamsConfig.STATE_DIR_CONFIG, stateFolder);
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64 << 20);
        config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        config.put(StreamsConfig.consumerPrefix("max.poll.records"), "10000");
        config.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
        config.put(StreamsConfig.producerPrefix("max.request.size"), "16000000"); // a window's list is 4.5 MB
        config.put(StreamsConfig.producerPrefix("buffer.memory"), "64000000");
        return config;
    }

    private static Topology topology(String in, String out, long expected) {
        ObjectReader reader = PlayerEvent.reader();
        Deserializer<PlayerEvent> events = (topic, bytes) -> {
            try {
                return reader.readValue(bytes);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
        var supplier = Stores.inMemoryWindowStore(STORE, Duration.ofSeconds(60), Duration.ofMillis(WINDOW_MS), false);
        Topology topology = new Topology();
        topology.addSource(
                Topology.AutoOffsetReset.EARLIEST,
                "in",
                (record, previous) -> ((PlayerEvent) record.value()).time(),
                Serdes.String().deserializer(),
                events,
                in);
        topology.addProcessor("count", () -> new Counter(expected), "in");
        topology.addStateStore(
                Stores.windowStoreBuilder(supplier, Serdes.String(), Serdes.Long()).withCachingEnabled(), "count");
        topology.addSink("out", out, Serdes.String().serializer(), Serdes.ByteArray().serializer(), "count");
        return topology;
    }

    public static void main(String[] args) throws Exception {
        long expected = Long.parseLong(args[3]);
        Results.open(args[4]);
        try (KafkaStreams streams = new KafkaStreams(topology(args[1], args[2], expected), config(args[0], args[5]))) {
            streams.start();
            while (Results.events() < expected) {
                if (streams.state() == KafkaStreams.State.ERROR) throw new IllegalStateException("Kafka Streams failed");
                Thread.sleep(100);
            }
        }
        Results.close();
    }
}
