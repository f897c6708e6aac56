"""For the project's own tests: pytester runs pytest with the plugin in folders of its own."""

pytest_plugins = ["pytester"]
