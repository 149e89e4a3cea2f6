/** Seconds after which a worker is silent: it missed one of its reports, which come every ten seconds. */
export const SILENT_SECONDS = 15;
/** Seconds after which a worker that ended without a word is forgotten. It counts until then. */
export const FORGET_SECONDS = 600;
