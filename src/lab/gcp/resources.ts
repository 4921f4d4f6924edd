/** The resources of Access Context Manager v1, as its discovery document describes them. */
export interface AccessPolicy {
  name: string;
  parent: string;
  title: string;
  scopes?: string[];
  etag: string;
}

export interface Condition {
  ipSubnetworks?: string[];
  requiredAccessLevels?: string[];
  members?: string[];
  negate?: boolean;
  regions?: string[];
  devicePolicy?: object;
  vpcNetworkSources?: object[];
}

export interface BasicLevel {
  combiningFunction?: 'AND' | 'OR';
  conditions: Condition[];
}

export interface AccessLevel {
  name: string;
  title: string;
  description?: string;
  basic?: BasicLevel;
  custom?: { expr: { expression: string } };
}

export interface IngressPolicy {
  title?: string;
  ingressFrom?: {
    identities?: string[];
    identityType?: 'ANY_IDENTITY' | 'ANY_USER_ACCOUNT' | 'ANY_SERVICE_ACCOUNT';
    sources?: { accessLevel?: string; resource?: string }[];
  };
  ingressTo?: {
    operations?: { serviceName: string; methodSelectors?: { method?: string; permission?: string }[] }[];
    resources?: string[];
    roles?: string[];
  };
}

export interface PerimeterConfig {
  resources?: string[];
  accessLevels?: string[];
  restrictedServices?: string[];
  ingressPolicies?: IngressPolicy[];
}

export interface ServicePerimeter {
  name: string;
  title: string;
  description?: string;
  perimeterType?: 'PERIMETER_TYPE_REGULAR' | 'PERIMETER_TYPE_BRIDGE';
  status?: PerimeterConfig;
  spec?: PerimeterConfig;
  useExplicitDryRunSpec?: boolean;
  etag: string;
}

/** Everything that decides who comes in. A snapshot is never changed: a write makes a new one. */
export interface Snapshot {
  readonly levels: ReadonlyMap<string, AccessLevel>;
  readonly perimeters: ReadonlyMap<string, ServicePerimeter>;
}
