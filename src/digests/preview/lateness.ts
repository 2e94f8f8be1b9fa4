const HOUR_SECONDS = 3_600;

/** Returns for each hour how many seconds late the last of its runs is, at so many runs a second; `waiting` are due before the first hour. */
export function lateSeconds(planned: readonly number[], waiting: number, perSecond: number): number[] {
  let backlog = waiting;
  return planned.map((count) => {
    backlog = Math.max(0, backlog + count - perSecond * HOUR_SECONDS);
    return Math.ceil(backlog / perSecond);
  });
}
