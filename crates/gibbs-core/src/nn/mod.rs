//! Networks shared by models.
