/** The most text that one `onLog` may carry, in bytes of UTF-8. */
export const logTextLimitBytes = 65_536;

/** The most that a handle may take as JSON, in bytes of UTF-8. */
export const handleLimitBytes = 4_096;

/** The most that a log cursor may take, in bytes of UTF-8. */
export const cursorLimitBytes = 1_024;
