export { createServer } from './composition/create-server.js';
export type { Installation } from './composition/installation.js';
export type { CreateServerOptions, RunbeatServer } from './composition/server.js';
export { type ServerErrorCode, serverErrorCodes } from './error-codes.js';
export { defaultHome, resolveHome } from './home/index.js';
export { isServerError, ServerError } from './server-error.js';
export {
  describeSettings,
  environmentNameFromSetting,
  type LoadedSettings,
  loadSettings,
  type SettingOrigin,
  type SettingsSources,
  settingPaths,
} from './settings/load-settings.js';
export { type RawServerSettings, type ServerSettings, serverSettingsSchema } from './settings/server-settings.js';
export { type SupervisorErrorCode, supervisorErrorCodes } from './supervisor/model/error-codes.js';
