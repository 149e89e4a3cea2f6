/** Seconds after which a silent worker is taken for gone: three lost heartbeats. */
export const WORKER_TTL_SECONDS = 30;
