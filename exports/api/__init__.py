"""Operations of the REST API about exports, runs and list state. They call what the views call."""
