/* Runs after all tests. */
export { tearDown as default } from './global-setup.mjs';
