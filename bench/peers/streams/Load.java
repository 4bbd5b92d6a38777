package gameflow.peers.streams;

import java.io.BufferedReader;
import java.io.FileReader;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Makes the topics and fills the first with the events of a file, keyed by player.
 *
 * <p>BROKERS EVENTS_FILE IN OUT
 */
public final class Load {
    private static final String PLAYER = "\"player_id\":\"";

    private Load() {}

    public static void main(String[] args) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
            admin.createTopics(List.of(new NewTopic(args[2], 1, (short) 1), new NewTopic(args[3], 1, (short) 1)))
                    .all()
                    .get();
        }
        Map<String, Object> config = Map.of(
                "bootstrap.servers", args[0], "compression.type", "lz4", "linger.ms", "20", "batch.size", "524288");
        try (var in = new BufferedReader(new FileReader(args[1]));
                var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            for (String line; (line = in.readLine()) != null; ) {
                int player = line.indexOf(PLAYER) + PLAYER.length(); // cheaper than parsing
                producer.send(new ProducerRecord<>(args[2], line.substring(player, line.indexOf('"', player)), line));
            }
        }
    }
}
