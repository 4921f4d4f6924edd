import { gateSpecification } from '../specification.ts';
import { openAzureSubject } from './subject.ts';

gateSpecification('azure-key-vault', () => openAzureSubject());
