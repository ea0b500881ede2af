/** Told to the server with each session. Kept equal to package.json by a test. */
export const runnerVersion = '0.1.0';
