// Both suites in one process: `node --test run.mjs`, or `npm test`.
import './client.mjs';
import './pages.mjs';
