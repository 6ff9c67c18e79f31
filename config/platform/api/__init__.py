"""What all operations of the REST API share: authentication, problems, paging, types of values."""
