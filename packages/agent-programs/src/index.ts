export { catalog, findProgram, nodeRuntime, platforms, programIds, requirePlatform } from "./catalog.ts";
export type { PinnedPackage, Platform, Program, ProgramId } from "./catalog.ts";
export { findInstalled, installProgram } from "./install.ts";
export type { InstalledProgram, InstallOptions, InstallProgress, NodeProgram } from "./install.ts";
export { npmOf } from "./npm.ts";
export { offlineEnvironment, offlineKey, offlineProfile, writeProfile } from "./offline.ts";
export type { OfflineFile, OfflineProfile, OfflineSetting } from "./offline.ts";
export { programsDirectory } from "./programs-directory.ts";
export type { Surroundings } from "./programs-directory.ts";
