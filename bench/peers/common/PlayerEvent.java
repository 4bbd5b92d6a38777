package gameflow.peers;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;

/** A player's event as its JSON says: all fields of it, as gameflow decodes it. */
public final class PlayerEvent {
    public static final class Parameters {
        public String player_id, session_id, event_type, level_id, map_id;
    }

    public static final class UserData {
        public String user_id, platform;
    }

    public String event_name;
    public Parameters parameters;
    public String event_timestamp;
    public UserData user_data;

    public static ObjectReader reader() {
        return new ObjectMapper().readerFor(PlayerEvent.class);
    }

    /** Event time in ms UTC. By hand: Instant.parse alone would take longer than all of Jackson. */
    public long time() {
        String text = event_timestamp;
        long seconds = daysSince1970(number(text, 0, 4), number(text, 5, 2), number(text, 8, 2)) * 86400
                + number(text, 11, 2) * 3600L + number(text, 14, 2) * 60L + number(text, 17, 2);
        return seconds * 1000 + (text.charAt(19) == '.' ? number(text, 20, 3) : 0);
    }

    /** Of the Gregorian calendar; years are counted from March, so that the leap day is the last. */
    private static long daysSince1970(int year, int month, int day) {
        long y = month <= 2 ? year - 1 : year;
        long era = y / 400, yearOfEra = y - era * 400;
        long dayOfYear = (153L * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        return era * 146097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719468;
    }

    private static int number(String text, int from, int digits) {
        int value = 0;
        for (int i = from; i < from + digits; i++) value = value * 10 + (text.charAt(i) - '0');
        return value;
    }
}
