"""Writes annotations of pictures in the COCO format, for the scripts beside this file."""

import numpy as np


def annotations(scenes, size, labels):
    """Returns the COCO annotations of `scenes`, each (file name, [(class index, mask), ...]), as JSON.

    All pictures have the `size` (width, height). Categories are the classes that occur: their ids are the indices,
    their names the labels.
    """
    objects = []
    for number, (_, objects_in_scene) in enumerate(scenes):
        for index, mask in objects_in_scene:
            rows, columns = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
            left, top = int(columns[0]), int(rows[0])
            objects.append(
                {
                    "id": len(objects),
                    "image_id": number,
                    "category_id": index,
                    "bbox": [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top],
                    "area": int(mask.sum()),
                    "iscrowd": 0,
                    "segmentation": {"size": list(mask.shape), "counts": runs(mask)},
                }
            )
    images = [{"id": i, "file_name": name, "width": size[0], "height": size[1]} for i, (name, _) in enumerate(scenes)]
    indices = sorted({o["category_id"] for o in objects})
    categories = [{"id": index, "name": labels[index]} for index in indices]
    return {"images": images, "annotations": objects, "categories": categories}


def runs(mask):
    """Returns the lengths of the runs of pixels that are alternately outside and inside, column by column."""
    flat = mask.flatten(order="F")
    ends = np.flatnonzero(np.diff(flat, prepend=False, append=not flat[-1]))
    return np.diff(ends, prepend=0).tolist()
