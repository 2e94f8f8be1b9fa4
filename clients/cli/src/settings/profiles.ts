import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageFailure } from '../failures.js';
import type { Terminal } from '../terminal.js';

/** One Usher that a person works with. */
export interface Profile {
  readonly url: string;
  readonly serviceKey?: string;
}

/** The file of the profiles, and the profile that is used when none is named. */
interface ProfileFile {
  readonly current?: string;
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** The person's profiles: `~/.config/usher/config.json`, which only they can read. */
export class Profiles {
  private readonly file: string;

  constructor({ env, home }: Terminal) {
    this.file = join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'usher', 'config.json');
  }

  list(): ProfileFile {
    return this.read();
  }

  /** Returns the profile with this name, or the one in use; undefined when none is in use. Throws UsageFailure for an unknown name. */
  find(name: string | undefined): Profile | undefined {
    const { current, profiles } = this.read();
    const wanted = name ?? current;
    if (wanted === undefined) return undefined;
    return profiles[wanted] ?? this.fail(wanted);
  }

  /** Adds it, or replaces the one with this name, and uses it from now on. */
  add(name: string, profile: Profile): void {
    const { profiles } = this.read();
    this.write({ current: name, profiles: { ...profiles, [name]: profile } });
  }

  /** Uses this one from now on; none when there is no name. Throws UsageFailure for an unknown name. */
  use(name: string | undefined): void {
    const { profiles } = this.read();
    if (name !== undefined && !Object.hasOwn(profiles, name)) this.fail(name);
    this.write({ ...(name !== undefined && { current: name }), profiles });
  }

  /** Throws UsageFailure for an unknown name. */
  remove(name: string): void {
    const { current, profiles } = this.read();
    if (!Object.hasOwn(profiles, name)) this.fail(name);
    const left = Object.fromEntries(Object.entries(profiles).filter(([other]) => other !== name));
    this.write({ ...(current !== undefined && current !== name && { current }), profiles: left });
  }

  private read(): ProfileFile {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { profiles: {} };
      throw new UsageFailure(`${this.file} cannot be read: ${(error as Error).message}`);
    }
    try {
      const { current, profiles } = JSON.parse(text) as ProfileFile;
      return { ...(current !== undefined && { current }), profiles: { ...profiles } };
    } catch {
      // The parser's message would repeat the text, and with it a key.
      throw new UsageFailure(`${this.file} is not JSON: correct it, or remove it.`);
    }
  }

  /** A reader never sees half of it, and the keys in it are never readable for others. */
  private write(content: ProfileFile): void {
    mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
    const next = `${this.file}.new`;
    writeFileSync(next, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    chmodSync(next, 0o600); // the mode of one that a killed command left may be another
    renameSync(next, this.file);
  }

  private fail(name: string): never {
    throw new UsageFailure(`There is no profile ${name}: \`usher profile list\` shows them.`);
  }
}
