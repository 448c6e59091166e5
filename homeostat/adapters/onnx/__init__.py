"""Models as ONNX: converted in training, run in serving.

Reads and writes model.onnx in version folders. ``runtime`` is light enough for a serving process;
``convert`` needs the training libraries. May import serving, training, registry, data and kernel.
"""
