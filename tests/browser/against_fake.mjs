// Suites that need no server, or only fake_server.mjs.
import './dash_parts.mjs';
import './dash_queries.mjs';
import './client.mjs';
import './charts.mjs';
import './lists.mjs';
import './dash.mjs';
