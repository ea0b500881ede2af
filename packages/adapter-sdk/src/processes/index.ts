export { type EndTreeOptions, endTree } from './end-tree.js';
export { type Machine, thisMachine } from './machine.js';
export { isSameProcess, ownIdentity, type ProcessIdentity } from './process-identity.js';
export { type ProcessLife, processLife } from './process-life.js';
export { type ProcessRow, processRow, processRows, rowFromStat } from './process-row.js';
export { type GroupTrust, runCookieName, type TreeSurvivors, treeSurvivors, type WorkTree } from './work-tree.js';
