# Unit tests: one Check program a folder of src/, tests/unit/<folder>/.
