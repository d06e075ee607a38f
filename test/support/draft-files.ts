import { escapeXml } from '../../src/documents/xml-text.ts';
import { canaryHex, canaryPlain } from './map-files.ts';

export type DraftSpec = {
  type?: string;
  /** Like a draft of ArcGIS Pro 2: GUID, tags and templates. */
  hasPassword?: boolean;
  item?: string;
  settings?: Record<string, string>;
};

const property = (key: string, value: string, type = 'string') =>
  `<PropertySetProperty xsi:type='typens:PropertySetProperty'><Key>${key}</Key><Value xsi:type='xs:${type}'>${escapeXml(value)}</Value></PropertySetProperty>`;
const set = (name: string, properties: string) =>
  `<${name} xsi:type='typens:PropertySet'><PropertyArray xsi:type='typens:ArrayOfPropertySetProperty'>${properties}</PropertyArray></${name}>`;
const all = (properties: Record<string, string>) =>
  Object.entries(properties)
    .map(([key, value]) => property(key, value))
    .join('');

const extension = (typeName: string, isEnabled: boolean, capabilities: string) =>
  `<SVCExtension xsi:type='typens:SVCExtension'><Enabled>${isEnabled}</Enabled>${set('Info', property('WebEnabled', 'true') + property('WebCapabilities', capabilities))}${set('Props', '')}<TypeName>${typeName}</TypeName></SVCExtension>`;

/** A draft as ArcGIS writes it: one line, single quotes, empty elements in two tags, nil values. */
export function draft({ type = 'MapServer', hasPassword, item, settings = {} }: DraftSpec = {}) {
  const secret = `ENCRYPTED_PASSWORD=${canaryHex};USER=author;SERVERURL=https://gis:6443/arcgis;PASSWORD=${canaryPlain}`;
  const staging = {
    HasCache: 'false',
    IncludeDataInSDFile: 'FALSE',
    ...(hasPassword && { ServerConnectionString: secret }),
    ...settings,
  };
  const pool = {
    ...{ IsRunning: 'false', MinInstances: '1', MaxInstances: '2', InstancesPerContainer: '1' },
    ...{ WaitTimeout: '60', IdleTimeout: '1800', UsageTimeout: '600', StartupTimeout: '300' },
    ...{ Isolation: 'high', configuredState: 'STARTED', keepAliveInterval: '1800' },
  };
  const properties = {
    ...{ FilePath: 'C:\\Users\\author\\roads.msd', maxRecordCount: '1000' },
    ...(type === 'GPServer' && { UsageTimeout: '600', executionType: 'Asynchronous' }),
  };
  const itemInfo =
    item ??
    "<Name>Roads</Name><Type xsi:nil='true'/><Title>Roads</Title><Description></Description><Snippet></Snippet><Credits></Credits>";
  return [
    "<SVCManifest xsi:type='typens:SVCManifest' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:typens='http://www.esri.com/schemas/ArcGIS/2.9.0'>",
    "<Databases xsi:type='typens:ArrayOfSVCDatabase'></Databases>",
    "<Resources xsi:type='typens:ArrayOfSVCResource'><SVCResource xsi:type='typens:SVCResource'><ID>1</ID><Name>Other</Name><OnPremisePath>C:\\Users\\author\\roads.aprx</OnPremisePath></SVCResource></Resources>",
    '<ID>{F9}</ID><Name>Roads</Name><StagingPath></StagingPath><ByReference>true</ByReference>',
    '<Type>esriServiceDefinitionType_New</Type><State>esriSDState_Draft</State><ServerType>esriSVCServerType_FullServer</ServerType>',
    set('StagingSettings', all(staging)),
    '<KeepExistingData>false</KeepExistingData><KeepExistingMapCache>false</KeepExistingMapCache>',
    `<Configurations xsi:type='typens:ArrayOfSVCConfiguration'><SVCConfiguration xsi:type='typens:SVCConfiguration'><ID>2</ID><Name>Roads</Name><TypeName>${type}</TypeName><ResourceID>1</ResourceID><ServiceFolder></ServiceFolder><Definition xsi:type='typens:SVCConfigurationDefinition'><Description></Description>`,
    set('ConfigurationProperties', all(properties) + property('minScale', '0.0', 'double')),
    set('Info', property('WebEnabled', 'true') + property('WebCapabilities', 'Map,Query,Data')),
    set(
      'Props',
      `${all(pool)}<PropertySetProperty xsi:type='typens:PropertySetProperty'><Key>recycleInterval</Key><Value xsi:nil='true'/></PropertySetProperty>`,
    ),
    `<Extensions xsi:type='typens:ArrayOfSVCExtension'>${extension('FeatureServer', false, '')}${extension('KmlServer', true, 'SingleImage')}</Extensions>`,
    '</Definition></SVCConfiguration></Configurations>',
    `<ItemInfo xsi:type='typens:ItemInfo'>${itemInfo}</ItemInfo>`,
    "<Metadata xsi:type='typens:XmlPropertySet'><XmlDoc>&lt;metadata&gt;\n&lt;/metadata&gt;</XmlDoc></Metadata>",
    '</SVCManifest>',
  ].join('');
}
