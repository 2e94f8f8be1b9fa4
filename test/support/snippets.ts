import { type ChildProcess, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** A fenced block of a document that somebody follows. */
export interface Snippet {
  readonly language: string;
  readonly source: string;
  /** The name under which the document says to save it. */
  readonly file: string | undefined;
  /** What the block without a language after it shows. */
  readonly printed: string | undefined;
}

const BLOCK = /(?:Save this as `([^`]+)`:\n\n)?^```(\w+)\n([^]*?)^```$(?:\n```\n([^]*?)^```$)?/gm;
/** Printed between two snippets. */
const BETWEEN = '\u001e';

/** Returns the blocks of a document, in order. */
export const snippetsOf = (markdown: string): Snippet[] =>
  [...markdown.matchAll(BLOCK)].map(([, file, language = '', source = '', printed]) => ({
    language,
    source,
    file,
    printed,
  }));

/** Returns a pattern for what is shown: `…` stands for anything. */
export const patternOf = (shown: string): RegExp =>
  new RegExp(
    `^${shown
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^]*?')}$`,
  );

/** Where the snippets run, and which texts of theirs stand for something else here. */
export interface Terminal {
  readonly cwd: string;
  readonly env: Record<string, string | undefined>;
  readonly replacing?: Readonly<Record<string, string>>;
}

const saved = ({ file, source }: Snippet) => `cat > ${file} <<'END OF FILE'\n${source}END OF FILE\n`;

/** For all snippets of a document, on a busy machine. */
const DEADLINE_MS = 90_000;

/**
 * Types the snippets into one shell, as somebody would into a terminal, and returns what each printed, errors included. A command that fails
 * ends it, and so does the deadline: then fewer come back. What they started in the background is ended with it.
 */
export async function runSnippets(snippets: readonly Snippet[], { cwd, env, replacing = {} }: Terminal) {
  // What npx adds is a second for each command, and that it finds the command in node_modules/.bin.
  const replacements = Object.entries({ ...replacing, 'npx usher': 'node_modules/.bin/usher' });
  const scripts = snippets
    .map((snippet) => (snippet.file === undefined ? snippet.source : saved(snippet)))
    .map((script) => replacements.reduce((filled, [from, to]) => filled.replaceAll(from, to), script));
  const script = ['exec 2>&1', ...scripts.map((one) => `${one}\nprintf '\\036'`)].join('\n');
  const child = spawn('sh', ['-eu', '-c', script], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // a group of its own, which is ended as one
  });
  const deadline = setTimeout(() => endGroup(child), DEADLINE_MS);
  child.once('exit', () => endGroup(child));
  const printed = await text(child.stdout);
  clearTimeout(deadline);
  return printed.split(BETWEEN);
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of it is left.
  }
}
