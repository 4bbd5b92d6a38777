// All suites in one process: `node --test run.mjs`, or `npm test`.
import './dash_parts.mjs';
import './dash_queries.mjs';
import './client.mjs';
import './charts.mjs';
import './lists.mjs';
import './clients.mjs';
import './pages.mjs';
import './studio.mjs';
import './dash.mjs';
import './dash_pages.mjs';
import './buttons.mjs';
import './proxy.mjs';
import './sign_in.mjs';
