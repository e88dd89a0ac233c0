import { testPlantedCode } from '../support/planted-code-tests.js';

testPlantedCode('role without superuser');
