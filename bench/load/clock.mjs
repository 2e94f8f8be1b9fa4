/** Microseconds of this process, always of twelve digits: written into payloads, and compared on arrival. */
export const clock = () => CLOCK_BASE + performance.now() * 1_000;
export const CLOCK_BASE = 1e11;

/** Microseconds that all processes of this machine count alike. */
export const machineClock = () => Number(process.hrtime.bigint() / 1_000n);

clock(); // the first call takes a millisecond
const ahead = machineClock() - clock();
/** A time by `clock`, as all processes of this machine count it. */
export const toMachineClock = (at) => Math.round(at + ahead);
