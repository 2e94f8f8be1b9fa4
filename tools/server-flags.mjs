/**
 * What Node is started with to run the server: V8's young generation (nursery), where objects are made, may have semi-spaces of 32 MiB each and not of 16. It is
 * collected half as often, and fewer objects are still needed then (docs/decisions/larger-nursery.md). A process cannot set this for itself.
 * The Dockerfile and docs/operate/deploy.md have the same.
 */
export const SERVER_FLAGS = ['--max-semi-space-size=32'];
