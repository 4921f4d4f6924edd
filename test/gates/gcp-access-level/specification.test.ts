import { gateSpecification } from '../specification.ts';
import { openGcpSubject } from './subject.ts';

gateSpecification('gcp-access-level', () => openGcpSubject());
