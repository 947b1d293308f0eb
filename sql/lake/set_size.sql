-- How large a file may grow by inserting or merging.
call lake.set_option('target_file_size', $size);
