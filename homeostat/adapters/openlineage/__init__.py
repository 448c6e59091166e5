"""Events of trainings and releases as the OpenLineage standard has them, and the way to who reads them."""
