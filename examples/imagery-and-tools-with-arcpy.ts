/**
 * Analyzes a raster and a tool, publishes both, and runs a tool of the list `arcpy.tools`:
 *
 *   npx tsx examples/imagery-and-tools-with-arcpy.ts http://127.0.0.1:8080 demo ortho.tif roads.atbx near.txt
 */
import { createPressroomClient } from '../src/client/pressroom-client.ts'; // elsewhere: 'pressroom/client'

const [baseUrl = '', site = '', raster = '', tools = '', target = ''] = process.argv.slice(2);
const pressroom = createPressroomClient({ baseUrl }); // apiKey, where there are keys

async function finish({ jobID }: { jobID: string }): Promise<string> {
  const ended = await pressroom.waitForJob(jobID);
  if (ended.status !== 'successful') throw new Error(ended.exception?.detail ?? ended.message);
  console.log(`${ended.processID} ${ended.status}`);
  return jobID;
}

async function link(file: string): Promise<{ href: string }> {
  const { id } = await pressroom.uploadFile(file);
  return { href: `/v1/uploads/${id}` };
}

const image = { data: await link(raster), serviceName: 'Ortho', copyDataToServer: true };
await finish(await pressroom.execute('analyze-image', image));
await finish(await pressroom.execute('publish-image', { ...image, site }));

const tool = {
  ...{ toolbox: await link(tools), serviceName: 'CleanRoads', summary: 'Cleans', tags: ['roads'] },
  tools: [{ name: 'CleanRoads', parameters: { in_features: 'roads', distance: '10 Meters' } }],
};
await finish(await pressroom.execute('analyze-geoprocessing', tool));
await finish(await pressroom.execute('publish-geoprocessing', { ...tool, site }));

const near = await pressroom.execute('run-tool', {
  tool: 'analysis.Buffer',
  parameters: { in_features: 'roads', out_features: { output: 'near.txt' }, distance: '5 Meters' },
});
await pressroom.saveArtifact(await finish(near), target);
