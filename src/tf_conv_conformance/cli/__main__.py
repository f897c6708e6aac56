"""``python -m tf_conv_conformance.cli`` is the command ``tf-conv-conformance``."""

from tf_conv_conformance.cli.main import main

raise SystemExit(main())
