"""Operations of the REST API about segments and data sources. They call what the views call."""
