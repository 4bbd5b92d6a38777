// Suites against the real program.
import './clients.mjs';
import './pages.mjs';
import './studio.mjs';
import './dash_pages.mjs';
import './buttons.mjs';
import './proxy.mjs';
import './sign_in.mjs';
