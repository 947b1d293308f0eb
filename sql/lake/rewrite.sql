-- Files of which a share of $share or more is deleted are written anew without those rows.
call ducklake_rewrite_data_files('lake', $table, schema => $schema, delete_threshold => $share);
