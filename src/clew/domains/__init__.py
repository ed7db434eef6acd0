"""One complete slice each: model, service, and where they exist schemas, routes, commands and tasks."""
