// Microseconds of a clock that is the same on all threads: each Worker's performance.now() begins
// with the Worker.
export const clockMicros = () => Number(process.hrtime.bigint()) / 1000;
