"""Why an ability fell: what was lost, which task's rows are near it, and how sure that is. Shared by evaluate, report and `equipoise attribute`."""
