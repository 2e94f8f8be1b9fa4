/*
 * Compiles mails in a thread of its own, which mjml-compiler.service.ts can end: a large MJML takes seconds. `workerData`: texts in MJML. Sends one
 * message, an array with `{ html }` or `{ errors: [{ line?, message }] }` for each. mjml-browser has no way to a file.
 */
import { parentPort, workerData } from 'node:worker_threads';
import mjml2html from 'mjml-browser';

const compiled = [];
for (const source of workerData) compiled.push(await compile(source));
parentPort.postMessage(compiled, []);

async function compile(source) {
  try {
    const { html, errors } = await mjml2html(source, { validationLevel: 'soft', keepComments: false });
    return errors.length === 0
      ? { html }
      : { errors: errors.map(({ line, message }) => ({ line, message })) };
  } catch (error) {
    return { errors: [{ message: String(error.message ?? error) }] };
  }
}
