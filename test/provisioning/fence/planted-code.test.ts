import { testPlantedCode } from '../support/planted-code-tests.js';

testPlantedCode('superuser');
