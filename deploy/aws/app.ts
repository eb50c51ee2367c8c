import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { readOptions } from './lib/options.ts'
import { BirdhouseStack } from './lib/stack.ts'

const app = new App()
new BirdhouseStack(app, 'Birdhouse', readOptions(app))
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
