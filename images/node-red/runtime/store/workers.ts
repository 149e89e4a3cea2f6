/** Seconds after which a worker is silent: two of its reports, which come every ten seconds, are missing. */
export const SILENT_SECONDS = 30;
/** Seconds after which a worker that ended without a word is forgotten. It counts until then. */
export const FORGET_SECONDS = 600;
