/** What the process exits with. Part of the command line's contract: see README.md. */
export const EXIT = { ok: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** Ends a command. `message` is for the person who typed it: what is wrong, and what to do. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly exitCode: number = EXIT.refused,
  ) {
    super(message);
  }
}

/** The command was typed wrongly, or something that it needs is not set. */
export class UsageFailure extends Failure {
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

/** What is said where a change needs a reason and none was given. */
export const NEEDS_REASON = "This needs --reason '…': say why, for the audit.";
