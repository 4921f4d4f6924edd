export {
  createTransport,
  type Exchange,
  maxRequestsPerHost,
  type TransportOptions,
} from './create-transport.ts';
export { TransportError, type TransportErrorKind } from './errors.ts';
export { fencedTransport } from './fenced.ts';
export { useProxyFromEnvironment } from './proxy.ts';
export type {
  Transport,
  TransportMode,
  TransportRequest,
  TransportResponse,
  TransportUsage,
} from './transport.ts';
