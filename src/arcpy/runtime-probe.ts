import { z } from 'zod';

/** What an ArcPy is and can do, as it told itself. */
export const RuntimeProbe = z.object({
  product: z.enum(['server', 'pro']).describe('ArcPy of ArcGIS Server, or of ArcGIS Pro'),
  productName: z.string().describe('As the installation calls itself'),
  version: z.string().describe('Version of the installation'),
  build: z.string().describe('Number of its build'),
  installFolder: z.string().describe('Where it is installed'),
  license: z.string().describe('Licence in use, as ProductInfo tells it'),
  extensions: z.record(z.string(), z.string()).describe('Extensions and what ArcPy says of each'),
  python: z.string().describe('Version of Python'),
  executable: z.string().describe('The interpreter'),
  platform: z.string().describe('As Python calls it: linux, or win32, also under Wine'),
  packages: z.record(z.string(), z.string()).describe('Packages of conda that hold ArcPy'),
  conflicts: z.array(z.string()).describe('What may lead ArcPy astray'),
  features: z
    .object({
      sharingDrafts: z.boolean(),
      imageDrafts: z.boolean(),
      legacyImageDrafts: z.boolean(),
      legacyGeoprocessingDrafts: z.boolean(),
      geocodeDrafts: z.boolean(),
    })
    .describe('Ways of drafting that this version has'),
  blankProject: z.string().nullable().describe('An empty project of the installation'),
});
export type RuntimeProbe = z.output<typeof RuntimeProbe>;
