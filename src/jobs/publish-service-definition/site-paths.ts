/** Properties in which a site writes where it has put the files of a service (Esri, "Service JSON"). */
export const siteWrittenPaths: readonly string[] = [
  'filePath',
  'toolbox',
  'path',
  'locatorWorkspacePath',
  'connectionString',
  'locatorWorkspaceConnectionString',
];

/** Beside them the directories of the site itself. */
export const siteDirectories: readonly string[] = [
  'outputDir',
  'virtualOutputDir',
  'cacheDir',
  'virtualCacheDir',
  'jobsDirectory',
  'jobsVirtualDirectory',
];
