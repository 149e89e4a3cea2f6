/** What several sources hold and no import takes over, as the report says it. */

export const SETTINGS_LEFT_OUT = "settings: those of the editor and of its users";
export const SESSIONS_LEFT_OUT = "sessions: everybody logs in anew";
