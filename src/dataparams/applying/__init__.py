"""Writing corrections where the data live, with a journal that undoes them; judges nothing."""
